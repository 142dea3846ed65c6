"""Static figures by matplotlib; every function returns a Figure and writes nothing."""

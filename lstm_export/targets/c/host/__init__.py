"""Generated C on this machine: compiled by the system's compiler, run through ctypes."""

"""Many runs that are compared: which they are, and how far each is."""

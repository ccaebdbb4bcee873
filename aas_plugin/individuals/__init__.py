"""Which individual each photo is of, and how sure that is."""

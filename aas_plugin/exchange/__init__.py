"""Names of individuals in the formats that other programs read, a file each."""

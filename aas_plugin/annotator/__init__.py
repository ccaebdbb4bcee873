"""The page on which people answer: what is asked of whom, and the server of the page."""

"""One page about several runs, made from their folders alone: tables, curves, a test, pairs that were asked."""

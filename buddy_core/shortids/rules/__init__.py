"""The pure decisions of short ids: permutation, generation, words, slugs and the account of counters."""

"""The command line: a file a verb; arguments in, one public function called, its result printed.

Exit codes: 0 done; 1 done, with something to look at (named); 2 wrong usage or input; 3 a missing extra.
"""

"""From steps to loop nests, and from loop nests to LLVM's and C's text."""

"""The native backend: loop nests compiled by LLVM, the whole training loop as machine code."""

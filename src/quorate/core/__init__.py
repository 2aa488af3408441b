"""The core: a process is data, and one atomic step maps (state, event) to (state, effects).

Imports no clock, no randomness, no socket, no file and no thread; a test holds it to that.
"""

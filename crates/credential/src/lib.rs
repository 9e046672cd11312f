//! What is on the paper: keys, JOSE, DIDs, SD-JWT VC, status lists, commitments and sealed identifiers, without I/O

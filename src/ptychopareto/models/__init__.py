"""The neural operators: one file per architecture behind one registry."""

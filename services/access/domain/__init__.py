"""Rules of access: what roles allow, who may grant what, codes, the audit's chain. No I/O."""

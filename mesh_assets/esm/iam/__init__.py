"""Rights: what a mapping needs, what the function's role grants, and the one inline policy that closes the
gap."""

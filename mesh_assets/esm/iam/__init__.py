"""Rights: what a mapping needs, what the function's role already has, and the policy that closes the gap."""

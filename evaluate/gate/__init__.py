"""A comparison and a policy to a verdict; what a policy can see before it costs anything; what a person accepted."""

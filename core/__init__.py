"""What every stage shares; imports no stage."""

"""What is done with each program, and what a careful person says of each screen."""

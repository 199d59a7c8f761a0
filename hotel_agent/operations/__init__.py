"""What whoever runs the installation looks after: bodies that failed, jobs that died, the queues."""

"""The whole story on one machine: real images, a real model that gets better, and every step checked."""

"""What a restoration changed: before, after and truth held against each other, frame by frame."""

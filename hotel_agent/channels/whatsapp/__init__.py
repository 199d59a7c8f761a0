"""WhatsApp Business Cloud API: what Meta sends and what may be sent. Knows no hotel and no table."""

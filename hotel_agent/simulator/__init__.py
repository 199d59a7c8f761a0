"""A phone in the browser (demo only): the guest's side of WhatsApp.

`phones` keeps what each guest's phone shows, `meta` delivers signed webhooks as Meta does, `graph` hears what
the agent sends. All of it rests in Valkey; nothing here writes to a table of the product.
"""

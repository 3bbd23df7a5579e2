"""A server that speaks OpenAI's protocol, over one model: scheduler, requests and replies, who may ask, how much."""

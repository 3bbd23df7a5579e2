"""What a tuned model leaves this machine as. Each form is one module here and one line in EXPORTERS."""

EXPORTERS = {
    "merged": "pete.export.merged:Merged",
    "gguf": "pete.export.gguf:Gguf",
    "ollama": "pete.export.ollama:Ollama",
    "lmstudio": "pete.export.lmstudio:LMStudio",
    "mlx": "pete.export.mlx:Mlx",
    "adapter": "pete.export.adapter:Adapter",
}
"""Form -> module:class of its `Exporter` (export/workshop.py), imported when it is asked for."""

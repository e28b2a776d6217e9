"""The tutorials' FastAPI way to serve a TorchScript model: UploadFile, Pillow, one forward pass per request.

uvicorn benchmarks.peers.tutorial:app --workers 2, with MODEL naming a TorchScript file that takes pixels of 0..1.
"""

import io
import os
from typing import Annotated

import numpy as np
import torch
from fastapi import FastAPI, File, UploadFile
from PIL import Image

torch.set_num_threads(1)  # with torch's default the tutorials' way collapses on a busy machine; be fair to it
app = FastAPI()
model = torch.jit.load(os.environ["MODEL"]).eval()


@app.post("/predict")
async def predict(file: Annotated[UploadFile, File()]) -> dict[str, object]:
    """The label and the probabilities of one 28x28 picture."""
    image = Image.open(io.BytesIO(await file.read())).convert("L")
    pixels = torch.from_numpy(np.asarray(image, np.float32) / 255)[None, None]
    with torch.inference_mode():
        probabilities = model(pixels).softmax(1)[0].tolist()
    return {"label": int(np.argmax(probabilities)), "probabilities": probabilities}

"""The tutorials' FastAPI way to serve a TorchScript model: UploadFile, Pillow, one forward pass per request.

uvicorn benchmarks.peers.tutorial:app --workers 2
"""

from typing import Annotated

from fastapi import FastAPI, File, UploadFile

from benchmarks.peers import work

app = FastAPI()
model = work.load()


@app.post("/predict")
async def predict(file: Annotated[UploadFile, File()]) -> dict[str, object]:
    """The label and the probabilities of one 28x28 picture."""
    return work.infer(model, [work.decode(await file.read())])[0]


@app.post("/batch")
async def batch(files: list[UploadFile]) -> list[dict[str, object]]:
    """The same of many."""
    return work.infer(model, [work.decode(await file.read()) for file in files])

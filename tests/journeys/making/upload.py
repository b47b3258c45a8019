"""python upload.py MODEL.onnx: the object `models/signs.onnx` in the server that AWS_ENDPOINT_URL names."""

import sys

import s3fs

files = s3fs.S3FileSystem()
files.mkdir("models")
files.put(sys.argv[1], "models/signs.onnx")

"""Kinds of pictures, by the names of files and by what Pillow calls them."""

SUFFIXES = frozenset(
    (
        *(".avif", ".bmp", ".dib", ".gif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pcx", ".pgm"),
        *(".png", ".ppm", ".qoi", ".tga", ".tif", ".tiff", ".webp"),
    )
)
OTHER_PICTURES = frozenset((".dcm", ".dng", ".exr", ".hdr", ".heic", ".heif", ".jxl", ".npy", ".svg"))
# What a file may be, whatever its name says; others that Pillow knows start programs, or draw from text.
FORMATS = (
    *("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM", "QOI", "TGA", "TIFF", "WEBP"),
)

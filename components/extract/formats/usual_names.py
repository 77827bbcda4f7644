"""What people and tools call the columns of a table of labels; compared in lower case, without space around them."""

FILES = (
    *("filename", "file_name", "file name", "image", "image_name", "imagename", "image file", "image_file"),
    *("imagefile", "img", "img_name", "path", "filepath", "file_path", "file path", "image_path", "imagepath"),
    *("image path", "photo", "picture"),
)
# Where none of them is there, a column of these names the file, mostly without its suffix.
IDS = ("image_id", "imageid", "image id", "img_id", "id")
LABELS = (
    *("label", "labels", "class", "class_name", "classname", "class name", "category", "category_name", "target"),
    *("label_name", "labelname"),
)

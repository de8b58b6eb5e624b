"""Tables: what is read, and what is refused with file, row and remedy."""

from __future__ import annotations

import numpy as np
import pytest

from imet.data.tables import read_collection, read_columns, scan_tables
from imet.io import InputError

WORKS = [("a", "3 5"), ("b", "8"), ("c", "5 3")]


def test_reads_ids_labels_and_targets(make_folder):
    collection = read_collection(make_folder(WORKS))
    assert collection.ids.tolist() == ["a", "b", "c"]
    assert collection.labels.ids.tolist() == [3, 5, 8]
    assert collection.labels.names[2] == "tag::fish, salted"
    assert collection.targets.dtype == bool
    assert collection.targets.tolist() == [
        [True, True, False],
        [False, False, True],
        [True, True, False],
    ]


def test_targets_equal_a_plain_loop(real_tables, real_collection):
    collection = real_collection
    lines = (real_tables / "train.csv").read_text().splitlines()[1:]
    rng = np.random.default_rng(0)
    for row in rng.choice(len(lines), 300, replace=False):
        work, labels = lines[row].split(",")
        assert collection.ids[row] == work
        assert collection.labels.ids[collection.targets[row]].tolist() == sorted(
            map(int, labels.split())
        )


def test_columns_in_any_order_beside_others(make_folder):
    root = make_folder(WORKS)
    (root / "train.csv").write_text("year,attribute_ids,id\n1900,3 5,a\n1901,8,b\n")
    collection = read_collection(root)
    assert collection.ids.tolist() == ["a", "b"]
    assert collection.targets.sum() == 3


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_byte_order_marks_line_ends_and_blank_lines(make_folder, mark, line_end):
    root = make_folder(WORKS)
    for name in ("train.csv", "labels.csv"):
        text = mark + (root / name).read_text().replace("\n", line_end) + line_end
        (root / name).write_bytes(text.encode())
    collection = read_collection(root)
    assert collection.ids.tolist() == ["a", "b", "c"]
    assert collection.labels.names[-1] == "tag::fish, salted"


def test_ids_and_names_beyond_ascii(make_folder):
    root = make_folder(
        [("œuvre-1", "3"), ("作品_2", "4")], [(3, "culture::österreich"), (4, "tag::犬")]
    )
    collection = read_collection(root)
    assert collection.ids.tolist() == ["œuvre-1", "作品_2"]
    assert collection.labels.names == ("culture::österreich", "tag::犬")


def test_leading_zeros_and_double_spaces_are_read(make_folder):
    assert read_collection(make_folder([("a", "03  5")])).targets.tolist() == [[True, True, False]]


@pytest.mark.parametrize(
    ("works", "row", "message"),
    [
        ([("a", "3"), ("b", "")], 3, "label list is empty"),
        ([("a", "3"), ("b", "   ")], 3, "label list is empty"),
        ([("a", "3 4")], 2, "label 4 is unknown"),
        ([("a", "-3")], 2, "label '-3' is not a whole number"),
        ([("a", "3.5")], 2, "label '3.5' is not a whole number"),
        ([("a", "٣")], 2, "is not a whole number"),
        ([("a", "3 5 3")], 2, "label 3 stands there twice"),
        ([("a", "3 03")], 2, "label 03 stands there twice"),
        ([("a", "3"), ("b", "5"), ("a", "5")], 4, "id 'a' stands in row 2 already"),
        ([("", "3")], 2, "the id is empty"),
        ([("../a", "3")], 2, "id '../a' is refused"),
        ([("a/b", "3")], 2, "id 'a/b' is refused"),
        ([("a\\b", "3")], 2, r"id 'a\\\\b' is refused"),
        ([("..", "3")], 2, "id '..' is refused"),
        ([("C:a", "3")], 2, "id 'C:a' is refused"),
        ([(" a", "3")], 2, "id ' a' is refused"),
        ([("a", "3,5")], 2, "3 fields where the header has 2"),
        ([("a\0b", "3")], 2, "NUL byte"),
    ],
)
def test_faulty_works_name_file_row_and_remedy(make_folder, works, row, message):
    root = make_folder(works)
    with pytest.raises(InputError, match=message) as caught:
        read_collection(root)
    text = str(caught.value)
    assert text.startswith(f"{root / 'train.csv'}, row {row}: ")
    assert "; " in text


@pytest.mark.parametrize(
    ("labels", "row", "message"),
    [
        ([(3, "culture::japan"), (3, "tag::men")], 3, "attribute_id 3 stands in row 2 already"),
        ([(3, "culture::japan"), (4, "culture::japan")], 3, "'culture::japan' stands in row 2"),
        ([("x", "culture::japan")], 2, "attribute_id 'x' is not a whole number"),
        ([(-1, "culture::japan")], 2, "attribute_id '-1' is not a whole number"),
        ([(3, " ")], 2, "attribute_name is empty"),
    ],
)
def test_faulty_labels_name_file_and_row(make_folder, labels, row, message):
    root = make_folder([("a", "3")], labels)
    with pytest.raises(InputError, match=message) as caught:
        read_collection(root)
    assert str(caught.value).startswith(f"{root / 'labels.csv'}, row {row}: ")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.csv", None, "the file is missing"),
        ("labels.csv", None, "the file is missing"),
        ("train.csv", b"", "column 'id' is missing"),
        ("train.csv", b"id,labels\na,3\n", "column 'attribute_ids' is missing"),
        ("labels.csv", b"id,name\n3,culture::japan\n", "column 'attribute_id' is missing"),
        ("train.csv", b"id,id,attribute_ids\na,a,3\n", "column 'id' stands there twice"),
        ("train.csv", b"id,attribute_ids\n", "no work in it"),
        ("labels.csv", b"attribute_id,attribute_name\n", "no label in it"),
        ("train.csv", "id,attribute_ids\na,3\n".encode("utf-16")[:-1], "damaged UTF-16"),
        ("train.csv", b"PK\3\4", "this is a ZIP archive.*, not a CSV table; unpack it"),
        ("labels.csv", b"<!DOCTYPE html>", "this is a web page, not a CSV table"),
        ("labels.csv", b"version https://git-lfs.github.com/spec/v1", "run git lfs pull"),
        ("train.csv", b"id,attribute_ids\n\xff\xe9,3\n", "row 2: bytes that are not UTF-8"),
        ("train.csv", b'id,attribute_ids\na,3\n"b,3\n', "row 3: not valid CSV"),
    ],
)
def test_faulty_files(make_folder, name, content, message):
    root = make_folder(WORKS)
    if content is None:
        (root / name).unlink()
    else:
        (root / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_collection(root)
    assert str(root / name) in str(caught.value)


WORKS_HEAD, LABELS_HEAD = "id,attribute_ids\n", "attribute_id,attribute_name\n"
TWO_LABELS = LABELS_HEAD + "3,culture::japan\n5,tag::men\n"
HEADER = "the header must name id,attribute_ids; it reads "


@pytest.mark.parametrize(
    ("name", "content", "row", "message", "remedy"),
    [
        ("train", "a,3\nb,\n", 3, "the label list is empty",
         "give the work a label or take its row out"),
        ("train", "a,4\n", 2, "label 4 is unknown", "add it to labels.csv or take it out"),
        ("train", "a,4\nb,4\nc,4\n", 2, "label 4 is unknown, here and in 2 more rows",
         "add it to labels.csv or take it out"),
        ("train", "a,x\n", 2, "label 'x' is not a whole number",
         "write ids of labels.csv, separated by one space"),
        ("train", "a,3 3\n", 2, "label 3 stands there twice", "name every label once"),
        ("train", "a,3\na,5\n", 3, "id 'a' stands in row 2 already", "give every work one row"),
        ("train", ",3\n", 2, "the id is empty", "give the work the name of its picture"),
        ("train", "a/b,3\n", 2, "id 'a/b' is refused: it does not name a file inside train/",
         "use letters, digits, - and _, without separators or blanks at the ends"),
        ("train", "y" + "x" * 252 + ",3\n", 2, f"id 'y{'x' * 19}…' has 253 bytes",
         "file systems take names of up to 250: shorten it"),
        ("train", "a,3,5\n", 2, "3 fields where the header has 2",
         "separate values as in the header; quote fields that contain commas"),
        ("train", "a,culture::japan\nb,tag::men\nc,culture::japan tag::men\n", 2,
         "label 'culture::japan' is not a whole number, here and in 2 more rows",
         "write ids of labels.csv, separated by one space"),
        ("train", "a,nan\nb,nan\n", 2, "label 'nan' is not a whole number, here and in 1 more row",
         "write ids of labels.csv, separated by one space"),
        ("train", "a;3\nb;3 5\n", 2, "1 fields where the header has 2, here and in 1 more row",
         "separate values as in the header; quote fields that contain commas"),
        ("train", "a,3,\nb,5,\n", 2, "3 fields where the header has 2, here and in 1 more row",
         "separate values as in the header; quote fields that contain commas"),
        ("train", "a,\nb,\n", 2, "the label list is empty, here and in 1 more row",
         "give the work a label or take its row out"),
        ("train", "a/'b,3\n'c/\"d,3\n", 2, "id \"a/'b\" is refused: it does not name a file inside "
         "train/, here and in 1 more row",
         "use letters, digits, - and _, without separators or blanks at the ends"),
        ("train", "a,3\nb,3\na,3\nb,3\n", 4,
         "id 'a' stands in row 2 already, here and in 1 more row",
         "give every work one row"),
        ("train", "\udce9,3\n\udce8,3\n", 2, "bytes that are not UTF-8, here and in 1 more row",
         "save the file as UTF-8 text"),
        ("=train", "i\0d\0,", None, "the file is damaged UTF-16", "save it as UTF-8"),
        ("=train", "\udcd0\udccf\x11\udce0", None,
         "this is an old office document, not a CSV table", "export its table as CSV"),
        ("=train", "PK\3\4", None,
         "this is a ZIP archive (an office document is one, too), not a CSV table",
         "unpack it or export its table as CSV"),
        ("=labels", "<!doctype html>", None, "this is a web page, not a CSV table",
         "fetch the table itself"),
        ("train", "a\0b,3\n", 2, "a NUL byte", "save the file as UTF-8 text"),
        ("train", "\udcff,3\n", 2, "bytes that are not UTF-8", "save the file as UTF-8 text"),
        ("train", "", None, "no work in it", "give it one row per work"),
        ("train", 'a,3\n"b,3\n', 3, "not valid CSV (unexpected end of data)",
         "close the quote, or double a quote inside a quoted field"),
        ("=train", "id,labels\na,3\n", 1, "column 'attribute_ids' is missing",
         f"{HEADER}'id,labels'"),
        ("=train", "id,id,attribute_ids\n", 1, "column 'id' stands there twice",
         f"{HEADER}'id,id,attribute_ids'"),
        ("=train", "\udcff\udcfei", None, "the file is damaged UTF-16", "save it as UTF-8"),
        ("=train", None, None, "the file is missing",
         "expected columns id,attribute_ids, as in Kaggle's iMet Collection 2019"),
        ("=labels", TWO_LABELS + "5,tag::x\n", 4, "attribute_id 5 stands in row 3 already",
         "give every label an id of its own"),
        ("=labels", TWO_LABELS + "6,tag::men\n", 4,
         "attribute_name 'tag::men' stands in row 3 already", "merge the labels or rename one"),
        ("=labels", TWO_LABELS + "x,tag::x\n", 4, "attribute_id 'x' is not a whole number",
         "use 0, 1, 2, …"),
        ("=labels", TWO_LABELS + "7, \n", 4, "the attribute_name is empty",
         "name it culture::… or tag::…"),
        ("=labels", LABELS_HEAD, None, "no label in it", "give it one row per label"),
    ],
)  # fmt: skip
def test_a_fault_has_one_wording_and_one_remedy(tmp_path, name, content, row, message, remedy):
    """Word for word, since a reader acts on it; a name with = stands for the whole file."""
    (tmp_path / "train.csv").write_text(WORKS_HEAD + "a,3\n")
    (tmp_path / "labels.csv").write_text(TWO_LABELS)
    path = tmp_path / f"{name.removeprefix('=')}.csv"
    if content is None:
        path.unlink()
    else:
        whole = content if name.startswith("=") else WORKS_HEAD + content
        path.write_bytes(whole.encode(errors="surrogateescape"))
    problems = scan_tables(tmp_path)[1]
    assert [(p.file, p.row, p.message, p.remedy) for p in problems] == [
        (path, row, message, remedy)
    ]


def test_a_table_one_folder_away_is_named_with_its_place(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "train.csv").write_text(WORKS_HEAD + "a,3\n")
    for folder in (tmp_path, tmp_path / "inner"):
        (folder / "labels.csv").write_text(TWO_LABELS)
    (problem,) = scan_tables(tmp_path)[1]
    assert problem.message == f"the file is missing, but it lies in {tmp_path / 'inner'}"
    assert problem.remedy == f"name that folder instead of {tmp_path}"


def test_names_may_be_quoted_in_a_table_with_bars(tmp_path):
    (tmp_path / "train.csv").write_text('"id"|"attribute_ids"\n"a"|"3 5"\n')
    (tmp_path / "labels.csv").write_text("\n" + TWO_LABELS)
    collection = read_collection(tmp_path)
    assert collection.ids.tolist() == ["a"]
    assert collection.targets.tolist() == [[True, True]]


def test_what_spreadsheets_leave_around_a_name_is_no_part_of_it(tmp_path):
    (tmp_path / "train.csv").write_text(WORKS_HEAD + "a,3\n")
    (tmp_path / "labels.csv").write_text(
        LABELS_HEAD + "3, \u200bculture::japan\u00a0\n", encoding="utf-8"
    )
    assert read_collection(tmp_path).labels.names == ("culture::japan",)


def test_a_folder_in_place_of_a_table_is_named(make_folder):
    root = make_folder(WORKS)
    (root / "train.csv").unlink()
    (root / "train.csv").mkdir()
    with pytest.raises(InputError, match=r"train\.csv: cannot be read .*; expected columns id,"):
        read_collection(root)


def test_every_problem_is_found_in_row_order(make_folder):
    root = make_folder(
        [("a", ""), ("b", "3"), ("b", "3 3 99"), ("x/y", "5"), ("c", "3,5"), ("d", "8")]
    )
    collection, problems = scan_tables(root)
    found = [(problem.row, problem.message) for problem in problems]
    assert [row for row, _ in found] == [2, 4, 4, 4, 5, 6]
    assert collection.ids.tolist() == ["b", "d"]
    assert collection.targets.tolist() == [[True, False, False], [False, False, True]]
    with pytest.raises(InputError, match=r"row 2: .*and 5 more: `imet data check`"):
        read_collection(root)


def test_an_unreadable_label_table_does_not_blame_the_works(make_folder):
    root = make_folder([("a", "3"), ("b", ""), ("c", "5 5")])
    (root / "labels.csv").unlink()
    _, problems = scan_tables(root)
    assert [(problem.file.name, problem.row) for problem in problems] == [
        ("labels.csv", None),
        ("train.csv", 3),
        ("train.csv", 4),
    ]


def test_quoted_fields_keep_line_numbers(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text('id,note\na,"two\nlines"\nb,x\n"c,x\nd,y\ne,"broken"x\nf,z\n')
    rows, problems = read_columns(table, ("id",))
    assert (2, ["a"]) in rows
    assert (4, ["b"]) in rows
    assert (6, ["d"]) in rows
    assert (8, ["f"]) in rows
    assert [problem.row for problem in problems] == [5, 7]


def test_unicode_line_separators_stay_inside_a_field(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("id,name\n1,a\u2028b\x0bc\n", encoding="utf-8")
    rows, problems = read_columns(table, ("id", "name"))
    assert not problems
    assert rows == [(2, ["1", "a\u2028b\x0bc"])]


def test_many_faults_in_quoting_are_all_found(tmp_path):  # a quadratic reader takes minutes
    table = tmp_path / "t.csv"
    table.write_text("id\n" + '"x"y\n' * 50_000)
    _, problems = read_columns(table, ("id",))
    assert len(problems) == 50_000


SPREADSHEETS = {
    "semicolons": "id;attribute_ids\na;3 5\nb;8\n",
    "semicolons, quoted": '"id";"attribute_ids"\n"a";"3 5"\n"b";"8"\n',
    "sep=": "sep=;\nid;attribute_ids\na;3 5\nb;8\n",
    "sep= in quotes": '"sep=;"\nid;attribute_ids\na;3 5\nb;8\n',
    "sep= with tabs": "sep=\t\r\nid\tattribute_ids\na\t3 5\nb\t8\n",
    "sep= with commas": "sep=,\r\nid,attribute_ids\r\na,3 5\r\nb,8\r\n",
    "tabs": "id\tattribute_ids\na\t3 5\nb\t8\n",
    "whole numbers as floats": "id,attribute_ids\na,3.0 5.0\nb,8.0\n",
    "lists": 'id,attribute_ids\na,"[3, 5]"\nb,[8]\n',
    "lists of words": "id,attribute_ids\na,\"['3', '5']\"\nb,['8']\n",
    "commas": 'id,attribute_ids\na,"3,5"\nb,8\n',
    "an index column": ",id,attribute_ids\n0,a,3 5\n1,b,8\n",
    "non-breaking blanks": "id\u00a0,attribute_ids\na\u00a0,3\u00a05\nb,8\n",
    "trailing blanks": "id , attribute_ids\na,3 5 \nb, 8\n",
}


@pytest.mark.parametrize("kind", SPREADSHEETS)
@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_tables_of_spreadsheets_and_pandas(make_folder, kind, encoding, marked):
    root = make_folder(WORKS)
    mark = "\ufeff".encode(encoding) if marked else b""
    (root / "train.csv").write_bytes(mark + SPREADSHEETS[kind].encode(encoding))
    labels = "attribute_id;attribute_name\n3.0;culture::japan\n5.0;tag::men\n8.0;tag::a,b\n"
    (root / "labels.csv").write_bytes(mark + labels.encode(encoding))
    collection = read_collection(root)
    assert collection.ids.tolist() == ["a", "b"]
    assert collection.labels.names == ("culture::japan", "tag::men", "tag::a,b")
    assert collection.targets.tolist() == [[True, True, False], [False, False, True]]


def test_a_label_that_many_rows_lack_is_one_problem(make_folder):
    root = make_folder([(f"w{k}", "3 99") for k in range(400)] + [("x", "77"), ("y", "5")])
    collection, problems = scan_tables(root)
    assert [(problem.row, problem.message) for problem in problems] == [
        (2, "label 99 is unknown, here and in 399 more rows"),
        (402, "label 77 is unknown"),
    ]
    assert collection.ids.tolist() == ["y"]


@pytest.mark.parametrize("row", ["4,\n", "4,culture::b\n", "4,tag::caf\u00e9\n"])
def test_a_faulty_label_is_named_once_and_no_work_is_blamed_for_it(row, tmp_path):
    names = "3,culture::b\n5,tag::cafe\u0301\n"
    (tmp_path / "labels.csv").write_text(f"attribute_id,attribute_name\n{names}{row}", "utf-8")
    (tmp_path / "train.csv").write_text("id,attribute_ids\na,3 4\nb,4\nc,4 6\n", "utf-8")
    _, problems = scan_tables(tmp_path)
    assert [(problem.file.name, problem.row) for problem in problems] == [
        ("labels.csv", 4), ("train.csv", 4),
    ]  # fmt: skip
    assert ("(perhaps with accents" in problems[0].message) == ("caf" in row)
    assert problems[1].message == "label 6 is unknown"


def test_accents_composed_or_not_are_one_name(make_folder):
    root = make_folder([("caf\u00e9", "3"), ("cafe\u0301", "3")])
    with pytest.raises(InputError, match=r"row 3: id .* stands in row 2 already"):
        read_collection(root)
    root = make_folder([("a", "3")], [(3, "tag::caf\u00e9"), (4, "tag::cafe\u0301")])
    with pytest.raises(InputError, match=r"row 3: attribute_name .* stands in row 2 already"):
        read_collection(root)
    assert read_collection(make_folder([("a", "3")], [(3, "tag::cafe\u0301")])).labels.names == (
        "tag::caf\u00e9",
    )


def test_picture_path_prefers_png(make_folder):
    root = make_folder(WORKS)
    collection = read_collection(root)
    assert collection.path(0) == root / "train" / "a.png"
    (root / "train" / "b.jpeg").touch()
    assert collection.path(1) == root / "train" / "b.jpeg"
    (root / "train" / "b.png").touch()
    assert collection.path(1) == root / "train" / "b.png"


def test_faults_of_one_row_are_all_named(make_folder):
    root = make_folder([("a", "x y 99 5"), ("b", "3")])
    assert [problem.message for problem in scan_tables(root)[1]] == [
        "label 'x' is not a whole number",
        "label 'y' is not a whole number",
        "label 99 is unknown",
    ]


def test_a_reader_who_stops_at_the_first_fault_learns_how_many_rows_have_it(make_folder):
    root = make_folder([(f"w{k}", "culture::japan") for k in range(300)])
    with pytest.raises(InputError) as caught:
        read_collection(root)
    assert str(caught.value) == (
        f"{root / 'train.csv'}, row 2: label 'culture::japan' is not a whole number, here and in "
        "299 more rows; write ids of labels.csv, separated by one space"
    )

"""Lists that are kept as files: made once, few at a time, in bounded room, nobody waits."""

import os
import tempfile
import threading

import pytest

from ckanext.hljshare.feeds.national import kept


def maker(text, made=None):
    def make():
        if made is not None:
            made.append(text)
        file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
        file.write(text.encode())
        file.seek(0)
        return file

    return make


def text_of(descriptor):
    try:
        return b"".join(kept.read(descriptor)).decode()
    finally:
        os.close(descriptor)


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_a_list_is_made_once_however_many_others_are_asked_for_between():
    store, made = kept.Kept(), []
    for _round in range(3):
        for word in "abcdefgh":
            assert text_of(store.file(word, maker(word, made))) == word
    assert made == list("abcdefgh")


def test_what_was_not_asked_for_longest_makes_room():
    store, made = kept.Kept(words=2), []
    for word in "abaca":
        os.close(store.file(word, maker(word, made)))
    os.close(store.file("b", maker("b", made)))
    assert made == ["a", "b", "c", "b"]


def test_what_is_kept_takes_bounded_room_and_no_more_descriptors_than_words():
    store, before = kept.Kept(words=8, room=10), descriptors()
    for number in range(30):
        assert text_of(store.file(str(number), maker(f"{number:04}"))) == f"{number:04}"
        assert descriptors() - before <= 2
    large = "x" * 11
    assert text_of(store.file("large", maker(large))) == large  # given, not kept
    assert descriptors() - before <= 2


def test_a_reader_keeps_the_file_that_others_have_pushed_out():
    store = kept.Kept(words=1)
    first = store.file("a", maker("aaaa"))
    os.close(store.file("b", maker("b")))
    assert text_of(first) == "aaaa"


def test_nobody_waits_while_lists_are_made_and_what_is_there_is_given():
    store, begun, go_on = kept.Kept(), threading.Semaphore(0), threading.Event()
    os.close(store.file("ready", maker("ready")))

    def slow():
        begun.release()
        assert go_on.wait(10)
        return maker("slow")()

    threads = [
        threading.Thread(target=lambda word=word: os.close(store.file(word, slow)))
        for word in ("one", "two")
    ]
    threads[0].start()
    assert begun.acquire(timeout=10)
    with pytest.raises(kept.BusyError):  # it is being made: nobody makes it twice
        store.file("one", maker("never"))
    assert text_of(store.file("third", maker("third"))) == "third"
    threads[1].start()
    assert begun.acquire(timeout=10)
    with pytest.raises(kept.BusyError):
        store.file("fourth", maker("never"))
    assert text_of(store.file("ready", maker("never"))) == "ready"
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert text_of(store.file("one", maker("never"))) == "slow"
    assert text_of(store.file("fourth", maker("fourth"))) == "fourth"


def test_one_that_cannot_be_made_leaves_room_for_the_next():
    store, before = kept.Kept(), descriptors()

    def broken():
        raise OSError

    for _time in range(5):
        with pytest.raises(OSError):
            store.file("a", broken)
    assert text_of(store.file("a", maker("a"))) == "a"
    assert descriptors() - before <= 1

"""Cells, other threads and the page use one studio at the same time."""

from __future__ import annotations

import threading

from imgplay_widget.testing import FakeProvider

WAIT = 60
WISH = {"model": "fake:image", "params": {}}
EACH = 60


def test_the_page_and_the_cells_of_several_threads_lose_no_change(open_page):
    with open_page(FakeProvider()) as page:
        page.result("hello")
        studio = page.studio
        errors, seen = [], []
        begin = threading.Barrier(4)

        def clicks():
            for number in range(EACH):
                wishes = [{**WISH, "prompt": f"click {number}"}]
                answer = page.result("generate", wishes=wishes, n=1, topicId=None)
                seen.append(answer["batches"][0]["id"])
                page.result("feed", topicId=answer["batches"][0]["topicId"], before=None, limit=10)

        def cells():
            for number in range(EACH):
                batch = studio.generate(f"cell {number}", model="fake:image").result(WAIT)
                batch[0].starred = True
                seen.append(batch.id)

        def together(work):
            def run():
                begin.wait(WAIT)
                try:
                    work()
                except Exception as error:
                    errors.append(error)

            return threading.Thread(target=run)

        threads = [together(clicks), together(cells), together(cells)]
        for thread in threads:
            thread.start()
        begin.wait(WAIT)
        for thread in threads:
            thread.join(WAIT)
        assert errors == []
        batches = [batch for topic in studio.topics for batch in studio.batches(topic, limit=1000)]
        assert sorted(batch.id for batch in batches) == sorted(seen)
        assert {batch.result(WAIT).status.value for batch in batches} == {"success"}
        starred = {batch.prompt.split()[0] for batch in batches if batch[0].starred}
        assert starred == {"cell"}
        numbers = [content["seq"] for content in page.events_messages()]
        assert numbers == list(range(1, len(numbers) + 1))

"""A crawler that runs its own loop: `diag explain workloads/script_crawler.py -- 40`.

It fetches pages four at a time and counts their words; the argument is the number of pages.

Ground truth: `count_words` blocks for about 45 ms a page, on the CPU holding the GIL, at
`sum(len(line.split())`. The other fetchers pay: their pages have arrived, and they cannot go on.
What fixes it: counting in another process, or counting as the page arrives, piece by piece.
"""

import asyncio
import sys

LINE = "the quick brown fox jumps over the lazy dog "


async def fetch(number: int) -> list[str]:
    await asyncio.sleep(0.02)  # the network
    return [f"page {number}", *[LINE] * 250_000]


def count_words(page: list[str]) -> int:
    return sum(len(line.split()) for line in page)


async def crawler(queue: asyncio.Queue[int], counts: list[int]) -> None:
    while not queue.empty():
        page = await fetch(queue.get_nowait())
        counts.append(count_words(page))


async def main(pages: int) -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    for number in range(pages):
        queue.put_nowait(number)
    counts: list[int] = []
    await asyncio.gather(*(crawler(queue, counts) for _ in range(4)))
    print(f"{len(counts)} pages, {sum(counts):,} words")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))

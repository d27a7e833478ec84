"""Crawls URLs with Scrapy: 32 concurrent requests, eight selectors per page.

Arguments: duration in seconds, then the URLs, which are requested repeatedly. Prints pages, seconds and peak memory
as a JSON object.
"""

import json
import pathlib
import resource
import sys
import time

import scrapy
from scrapy.crawler import CrawlerProcess

here = pathlib.Path(__file__).parent
SELECTORS = json.loads((here / "selectors.json").read_text())
SECONDS, URLS = float(sys.argv[1]), sys.argv[2:]
CONCURRENCY = 32
seen = {"pages": 0, "values": 0, "first": None, "last": None}


class Pages(scrapy.Spider):
    name = "pages"

    async def start(self):
        for number in range(CONCURRENCY):
            yield self.request(number)

    def request(self, number):
        url = URLS[number % len(URLS)]
        return scrapy.Request(url, dont_filter=True, cb_kwargs={"number": number})

    def parse(self, response, number):
        values = [" ".join(response.css(css).xpath(".//text()").getall()) for css in SELECTORS]
        seen["last"] = time.perf_counter()
        seen["first"] = seen["first"] or seen["last"]
        seen["pages"] += 1
        seen["values"] += sum(1 for value in values if value)
        if seen["last"] - seen["first"] < SECONDS:
            yield self.request(number + CONCURRENCY)


process = CrawlerProcess(
    {
        "CONCURRENT_REQUESTS": CONCURRENCY,
        "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENCY,
        "DOWNLOAD_DELAY": 0,
        "ROBOTSTXT_OBEY": False,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_LEVEL": "ERROR",
    }
)
process.crawl(Pages)
process.start()
assert seen["values"] > seen["pages"], "the selectors must find values"
print(
    json.dumps(
        {
            "pages": seen["pages"],
            "seconds": seen["last"] - seen["first"],
            "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        }
    )
)

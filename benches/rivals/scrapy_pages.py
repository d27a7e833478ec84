"""Crawls URLs with Scrapy: 32 requests at once, eight selectors a page.

Arguments: seconds to crawl for, then the URLs, which are asked again and again. Prints pages, seconds and peak memory
as one JSON object.
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
AT_ONCE = 32
seen = {"pages": 0, "values": 0, "first": None, "last": None}


class Pages(scrapy.Spider):
    name = "pages"

    async def start(self):
        for number in range(AT_ONCE):
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
            yield self.request(number + AT_ONCE)


process = CrawlerProcess(
    {
        "CONCURRENT_REQUESTS": AT_ONCE,
        "CONCURRENT_REQUESTS_PER_DOMAIN": AT_ONCE,
        "DOWNLOAD_DELAY": 0,
        "ROBOTSTXT_OBEY": False,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_LEVEL": "ERROR",
    }
)
process.crawl(Pages)
process.start()
assert seen["values"] > seen["pages"], "the selectors find next to nothing"
print(
    json.dumps(
        {
            "pages": seen["pages"],
            "seconds": seen["last"] - seen["first"],
            "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        }
    )
)

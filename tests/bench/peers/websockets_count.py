#!/usr/bin/python3
"""Python's websockets as a client that only counts: websockets_count.py URL"""

import asyncio
import json
import sys

import websockets


async def main(url):
    frames = size = 0
    async with websockets.connect(url, compression=None, max_size=None, ping_interval=None) as ws:
        async for message in ws:
            frames += 1
            size += len(message)
    print(json.dumps({"frames": frames, "bytes": size}))


asyncio.run(main(sys.argv[1]))

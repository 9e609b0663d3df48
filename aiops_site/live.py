"""One socket a page. The database is the log and a poke only the doorbell: on every poke the
consumer reads what it has not sent yet, in order, so a lost, doubled or early poke harms nobody.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import BaseChannelLayer

from aiops_site import doorbell, topics
from aiops_site.presence import Viewer, presence
from aiops_site.topics import Topic

SIGNED_OUT, NOT_ALLOWED, TOO_MUCH, MALFORMED = 4401, 4403, 4008, 4400
MAX_FRAME = 4096
MAX_TOPICS = 20
FRAMES_A_SECOND = 20
RECHECK_SECONDS = 5.0
PAGE = 200


@dataclass
class Subscription:
    """A topic and the last `seq` its page has been sent; the lock keeps replay and poke in line.

    `viewer` is who listens, where that is shown, and `others` whom the page was told of last.
    """

    topic: Topic
    after: int
    lock: asyncio.Lock
    viewer: Viewer | None = None
    others: list[str] = field(default_factory=list)


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """`{"subscribe": "incident:42", "after": 17}`, `{"unsubscribe": "incident:42"}`."""

    channel_layer: BaseChannelLayer

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.subscriptions: dict[str, Subscription] = {}
        self.frames, self.second = 0, 0
        self.rechecking: asyncio.Task[None] | None = None
        self.is_closed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:  # however it ended: after an error nobody calls disconnect
            self._let_go()

    async def connect(self) -> None:
        await self.accept()  # a close before this reaches the browser as HTTP 403, not as our code
        if not await self._is_signed_in():
            await self.close(code=SIGNED_OUT)
            return
        self.rechecking = asyncio.create_task(self._recheck())

    async def disconnect(self, code: int) -> None:
        for subscription in self.subscriptions.values():
            await self.channel_layer.group_discard(subscription.topic.group, self.channel_name)

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any
    ) -> None:
        if self.is_closed:
            return  # sent before the browser heard of it
        if text_data is None or len(text_data) > MAX_FRAME or self._is_flooding():
            await self.close(code=TOO_MUCH)
            return
        try:
            await self.receive_json(await self.decode_json(text_data))
        except (ValueError, RecursionError):
            await self.close(code=MALFORMED)

    async def send_json(self, content: Any, **_: Any) -> None:
        if not self.is_closed:
            await super().send_json(content)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        if not self.is_closed:
            self.is_closed = True
            await super().close(code, reason)

    async def receive_json(self, content: Any, **_: Any) -> None:
        if not isinstance(content, dict):
            raise ValueError("a frame is an object")  # noqa: TRY004
        if "unsubscribe" in content:
            await self._unsubscribe(str(content["unsubscribe"]))
        elif "subscribe" in content:
            after = content.get("after", 0)
            await self._subscribe(str(content["subscribe"]), after if isinstance(after, int) else 0)

    async def poke(self, event: dict[str, Any]) -> None:
        """From the channel layer: something of this topic was committed."""
        for subscription in list(self.subscriptions.values()):
            if subscription.topic.group == event["group"]:
                await self._send_new(subscription, event)

    async def viewers(self, event: dict[str, Any]) -> None:
        """From the channel layer: who has the page open in another process."""
        presence.hear(event)

    async def _subscribe(self, name: str, after: int) -> None:
        topic = topics.parse(name)
        is_full = name not in self.subscriptions and len(self.subscriptions) >= MAX_TOPICS
        if topic is None or is_full or not await self._may_see(topic):
            code = NOT_ALLOWED if await self._is_signed_in() else SIGNED_OUT
            await self.close(code=code, reason=name[:100])
            return
        subscription = Subscription(topic, max(after, 0), asyncio.Lock())
        self.subscriptions[name] = subscription
        await self.channel_layer.group_add(topic.group, self.channel_name)
        if topic.shows_viewers:
            await self._enter(subscription)
        await self._send_new(subscription, {})

    async def _unsubscribe(self, name: str) -> None:
        subscription = self.subscriptions.pop(name, None)
        if subscription is not None:
            presence.leave(subscription.topic.group, self.channel_name)
            await self.channel_layer.group_discard(subscription.topic.group, self.channel_name)

    async def _send_new(self, subscription: Subscription, poke: dict[str, Any]) -> None:
        topic = subscription.topic
        if topic.read is None:
            if poke:
                await self.send_json({"topic": topic.name, **poke["fact"]})
            return
        async with subscription.lock:
            await self._replay(subscription, topic.read)

    async def _replay(
        self, subscription: Subscription, read: Callable[[str, int, int], list[dict[str, Any]]]
    ) -> None:
        topic = subscription.topic
        while True:
            frames = await database_sync_to_async(read)(topic.key, subscription.after, PAGE)
            for frame in frames:
                await self.send_json({"topic": topic.name, **frame})
                subscription.after = frame["seq"]
            if len(frames) < PAGE:
                return

    async def _enter(self, subscription: Subscription) -> None:
        viewer = await database_sync_to_async(topics.viewer)(self.scope["session"])
        if viewer is not None:
            subscription.viewer = viewer
            presence.enter(subscription.topic.group, self.channel_name, viewer)
            await self._send_viewers(subscription)

    async def _send_viewers(self, subscription: Subscription) -> None:
        """Says who is here when it is time to, and tells the page who else is. Only right after
        the permission was checked: names go to nobody else."""
        topic, viewer = subscription.topic, subscription.viewer
        if viewer is None:
            return
        if message := presence.say(topic.group):
            doorbell.poke(topic.group, message)
        others = presence.others(topic.group, viewer)
        if others != subscription.others:
            subscription.others = others
            await self.send_json({"topic": topic.name, "kind": "viewers", "people": others})

    async def _recheck(self) -> None:
        """A person who was signed out or lost a role is cut off; a lost poke is made up for."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            if not await self._is_signed_in():
                await self.close(code=SIGNED_OUT)
                return
            for subscription in list(self.subscriptions.values()):
                if not await self._may_see(subscription.topic):
                    await self.close(code=NOT_ALLOWED, reason=subscription.topic.name)
                    return
                await self._send_viewers(subscription)
                await self._send_new(subscription, {})

    def _let_go(self) -> None:
        if self.rechecking is not None:
            self.rechecking.cancel()
        for subscription in self.subscriptions.values():
            presence.leave(subscription.topic.group, self.channel_name)

    async def _is_signed_in(self) -> bool:
        return bool(await database_sync_to_async(topics.is_signed_in)(self.scope["session"]))

    async def _may_see(self, topic: Topic) -> bool:
        return bool(await database_sync_to_async(topics.may_see)(self.scope["session"], topic))

    def _is_flooding(self) -> bool:
        second = int(time.monotonic())
        self.frames = self.frames + 1 if second == self.second else 1
        self.second = second
        return self.frames > FRAMES_A_SECOND

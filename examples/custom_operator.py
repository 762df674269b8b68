"""An operator of one's own: it works in `pipe` like any other, on any Observable."""

from collections.abc import Callable
from decimal import Decimal

from reactivex import Observable, abc
from reactivex import operators as ops

from rxbybit import Trade, trades


def new_highs() -> Callable[[Observable[Trade]], Observable[Trade]]:
    """The trades at a higher price than all before."""

    def operator(source: Observable[Trade]) -> Observable[Trade]:
        def subscribe(
            observer: abc.ObserverBase[Trade], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            highest: Decimal | None = None  # in here: no subscriber shares it with another

            def on_next(trade: Trade) -> None:
                nonlocal highest
                if highest is None or trade.price > highest:
                    highest = trade.price
                    observer.on_next(trade)

            # `scheduler` is the clock of the stream: what stands before may need it too
            return source.subscribe(
                on_next, observer.on_error, observer.on_completed, scheduler=scheduler
            )

        return Observable(subscribe)

    return operator


highs = trades("BTCUSD").pipe(new_highs(), ops.take(3))
highs.subscribe(lambda trade: print("a new high:", trade.price))

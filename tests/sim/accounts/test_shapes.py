"""The keys of private frames beside those of the documents and of stored frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rxbybit.sim.accounts.items import fast_item, order_item, position_item
from rxbybit.sim.accounts.wallet import wallet_item
from tests.sim.accounts.trading import two_traders

# What the tables of the manual name for orders of contracts.
ORDER = """
category symbol orderId orderLinkId parentOrderLinkId blockTradeId side orderType timeInForce
orderStatus price qty brokerOrderPrice positionIdx isLeverage createType cancelType rejectReason
avgPrice leavesQty leavesValue cumExecQty cumExecValue cumExecFee cumFeeDetail closedPnl feeCurrency
stopOrderType triggerPrice triggerDirection triggerBy tpTriggerBy slTriggerBy takeProfit stopLoss
tpLimitPrice slLimitPrice tpslMode reduceOnly closeOnTrigger lastPriceOnCreated orderIv placeType
marketUnit slippageToleranceType slippageTolerance smpType smpGroup smpOrderId rpiTakerAccess
rpiMatchedQty createdTime updatedTime
"""
EXECUTION = """
category symbol side orderId orderLinkId execId orderPrice orderQty leavesQty execPrice execQty
execValue execFee feeRate feeCurrency execType execPnl execTime isMaker isLeverage orderType
stopOrderType createType closedSize markPrice indexPrice underlyingPrice tradeIv markIv blockTradeId
marketUnit extraFees seq
"""
FAST = """
category symbol execId execPrice execQty orderId isMaker orderLinkId side execTime seq
"""
POSITION = """
category symbol side size positionIdx positionValue entryPrice markPrice breakEvenPrice leverage
riskId riskLimitValue autoAddMargin positionIM positionIMByMp positionMM positionMMByMp liqPrice
takeProfit stopLoss trailingStop unrealisedPnl curRealisedPnl cumRealisedPnl sessionAvgPrice
positionStatus adlRankIndicator isReduceOnly createdTime updatedTime openTime seq mmrSysUpdatedTime
leverageSysUpdatedTime tpslMode bustPrice positionBalance tradeMode
"""
WALLET = """
accountType accountIMRate accountIMRateByMp accountMMRate accountMMRateByMp totalEquity
totalWalletBalance totalMarginBalance totalAvailableBalance totalPerpUPL totalInitialMargin
totalInitialMarginByMp totalMaintenanceMargin totalMaintenanceMarginByMp accountLTV coin
"""
COIN = """
coin equity usdValue walletBalance locked borrowAmount accruedInterest unrealisedPnl cumRealisedPnl
bonus spotHedgingQty spotBorrow totalOrderIM totalPositionIM totalPositionMM availableToWithdraw
availableToBorrow collateralSwitch marginCollateral colRes
"""


def items() -> dict[str, dict[str, Any]]:
    one, two, pit = two_traders("linear", "BTCUSDT")
    two.limit("Sell", "0.003", "65000")
    one.market("Buy", "0.002")
    (order,) = one.account.closed
    execution = one.account.executions[0]
    wallet = wallet_item(one.account, one.desk.market)
    return {
        "order": order_item(order),
        "execution": execution,
        "execution_fast": fast_item(execution),
        "position": position_item(one.account.position(pit.instrument, 0), pit.marks.mark),
        "wallet": wallet,
        "coin": wallet["coin"][0],
    }


def test_every_key_of_the_documents_is_there_and_no_other() -> None:
    documented = {
        "order": ORDER,
        "execution": EXECUTION,
        "execution_fast": FAST,
        "position": POSITION,
        "wallet": WALLET,
        "coin": COIN,
    }
    for name, item in items().items():
        assert sorted(item) == sorted(documented[name].split()), name


@pytest.mark.parametrize("name", ["order", "execution", "execution_fast", "position", "wallet"])
def test_every_key_of_stored_frames_is_there_with_its_type(frames: Path, name: str) -> None:
    ours = items()
    lines = (frames / "v5" / f"{name}.jsonl").read_text().splitlines()
    stored = [item for line in lines for item in json.loads(line)["data"]]
    pairs = [(one, ours[name]) for one in stored]
    pairs += [(coin, ours["coin"]) for one in stored if name == "wallet" for coin in one["coin"]]
    assert len(pairs) > 1
    for one, own in pairs:
        for key, value in one.items():
            if key in ("extraFees", "seq", "free"):  # a list or text; a number or text; classic
                continue
            assert type(own[key]) is type(value), key
    # And in the order of the newest of them, as far as that goes.
    newest = [key for key in pairs[0][0] if key in pairs[0][1]]
    placed = [key for key in pairs[0][1] if key in newest]
    if name != "order":  # the stored ones are of options
        assert placed == newest

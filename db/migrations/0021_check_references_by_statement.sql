-- A foreign key is checked row by row, and locks the row that it names: a seventh of a backtest went into those of orders and fills. Their rows are checked
-- a statement at a time instead, and for more than a key can say: trade.check_references. Nothing that they name can go away before them: decisions and
-- orders are append-only, and trade.drop_run deletes from the last table to the first.
alter table trade.order_intents
  drop constraint order_intents_decision_fk,
  drop constraint order_intents_position_fk,
  drop constraint order_intents_depends_fk;
alter table trade.order_intent_legs drop constraint order_intent_legs_intent_fk;
alter table trade.order_events drop constraint order_events_intent_fk;
alter table trade.fills drop constraint fills_intent_fk, drop constraint fills_position_fk;

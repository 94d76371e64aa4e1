//! Decides: the model, the planner, the order state machine, the capacity floor and the ports. No I/O.

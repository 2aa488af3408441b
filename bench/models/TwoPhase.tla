------------------------------ MODULE TwoPhase ------------------------------
(* Two-phase commit, after J. Gray and L. Lamport, "Consensus on Transaction  *)
(* Commit", ACM TODS 31(1), 2006, section 3: resource managers prepare or     *)
(* abort, and a transaction manager decides. A message, once sent, stays, and *)
(* can be taken any number of times. two_phase.da is the same as a program.   *)
EXTENDS Naturals

CONSTANT N                  \* how many resource managers there are

VARIABLES rm,               \* the state of each resource manager
          tm,               \* that of the transaction manager
          ready,            \* those who have told it that they are prepared
          network           \* all messages that were ever sent

vars == <<rm, tm, ready, network>>

RM == 1..N

Types ==
  /\ rm \in [RM -> {"working", "prepared", "committed", "aborted"}]
  /\ tm \in {"init", "committed", "aborted"}
  /\ ready \subseteq RM
  /\ network \subseteq ({"prepared"} \X RM) \cup {<<"commit">>, <<"abort">>}

Init ==
  /\ rm = [r \in RM |-> "working"]
  /\ tm = "init"
  /\ ready = {}
  /\ network = {}

Prepare(r) ==
  /\ rm[r] = "working"
  /\ rm' = [rm EXCEPT ![r] = "prepared"]
  /\ network' = network \cup {<<"prepared", r>>}
  /\ UNCHANGED <<tm, ready>>

Refuse(r) ==
  /\ rm[r] = "working"
  /\ rm' = [rm EXCEPT ![r] = "aborted"]
  /\ UNCHANGED <<tm, ready, network>>

Hear(r) ==
  /\ <<"prepared", r>> \in network
  /\ tm = "init"
  /\ ready' = ready \cup {r}
  /\ UNCHANGED <<rm, tm, network>>

Decide(state, message) ==
  /\ tm = "init"
  /\ tm' = state
  /\ network' = network \cup {<<message>>}
  /\ UNCHANGED <<rm, ready>>

Commit == ready = RM /\ Decide("committed", "commit")

Abort == Decide("aborted", "abort")

Obey(r, message, state) ==
  /\ <<message>> \in network
  /\ rm' = [rm EXCEPT ![r] = state]
  /\ UNCHANGED <<tm, ready, network>>

Next ==
  \/ Commit
  \/ Abort
  \/ \E r \in RM :
       \/ Prepare(r)
       \/ Refuse(r)
       \/ Hear(r)
       \/ Obey(r, "commit", "committed")
       \/ Obey(r, "abort", "aborted")

Spec == Init /\ [][Next]_vars

Consistent ==
  \A r, s \in RM : ~(rm[r] = "committed" /\ rm[s] = "aborted")
=============================================================================

-------------------------------- MODULE Paxos --------------------------------
(* One decision by Paxos, after L. Lamport, "Paxos Made Simple", ACM SIGACT   *)
(* News 32(4), 2001, section 2.2. Proposer p, whose value is p, has the       *)
(* ballots p, p + P, p + 2 P and so on; it may give one up at any time. A     *)
(* value is chosen when most acceptors have voted for it in one ballot.       *)
(* paxos.da is the same as a program.                                         *)
EXTENDS Integers, FiniteSets

CONSTANTS P,                \* how many proposers
          A,                \* how many acceptors
          B,                \* the last ballot
          Keep              \* whether a message stays when it has been taken

VARIABLES ballot,           \* of each proposer; not above 0 before its first
          promises,         \* what has been answered to it in this ballot
          asked,            \* whether it has asked for votes in this ballot
          promised,         \* the highest ballot each acceptor knows of
          votes,            \* of each acceptor
          network           \* messages, each to one receiver

vars == <<ballot, promises, asked, promised, votes, network>>

Proposers == 1..P
Acceptors == 1..A
None == <<0, 0>>            \* below all votes

Highest(pairs) == CHOOSE x \in pairs : \A y \in pairs : y[1] <= x[1]

Init ==
  /\ ballot = [p \in Proposers |-> p - P]
  /\ promises = [p \in Proposers |-> {}]
  /\ asked = [p \in Proposers |-> FALSE]
  /\ promised = [a \in Acceptors |-> 0]
  /\ votes = [a \in Acceptors |-> {}]
  /\ network = {}

\* Phase 1(a)
Begin(p) ==
  LET b == ballot[p] + P IN
  /\ b <= B
  /\ ballot' = [ballot EXCEPT ![p] = b]
  /\ promises' = [promises EXCEPT ![p] = {}]
  /\ asked' = [asked EXCEPT ![p] = FALSE]
  /\ network' = network \cup {<<"prepare", a, b, p>> : a \in Acceptors}
  /\ UNCHANGED <<promised, votes>>

\* Phase 2(a)
Ask(p) ==
  /\ 2 * Cardinality(promises[p]) > A
  /\ LET last == Highest({x[2] : x \in promises[p]})
         value == IF last = None THEN p ELSE last[2]
     IN network' = network \cup {<<"accept", a, ballot[p], value>> : a \in Acceptors}
  /\ asked' = [asked EXCEPT ![p] = TRUE]
  /\ promises' = [promises EXCEPT ![p] = {}]
  /\ UNCHANGED <<ballot, promised, votes>>

Rest(m) == IF Keep THEN network ELSE network \ {m}

\* Phase 1(b)
TakePrepare(m) ==
  LET a == m[2]
      b == m[3]
      promise == <<"promise", m[4], b, a, Highest(votes[a] \cup {None})>>
  IN
  /\ IF b > promised[a]
     THEN /\ promised' = [promised EXCEPT ![a] = b]
          /\ network' = Rest(m) \cup {promise}
     ELSE /\ network' = Rest(m)
          /\ UNCHANGED promised
  /\ UNCHANGED <<ballot, promises, asked, votes>>

TakePromise(m) ==
  LET p == m[2] IN
  /\ promises' = IF m[3] = ballot[p] /\ ~asked[p]
                 THEN [promises EXCEPT ![p] = @ \cup {<<m[4], m[5]>>}]
                 ELSE promises
  /\ network' = Rest(m)
  /\ UNCHANGED <<ballot, asked, promised, votes>>

\* Phase 2(b)
TakeAccept(m) ==
  LET a == m[2] IN
  /\ IF m[3] >= promised[a]
     THEN /\ promised' = [promised EXCEPT ![a] = m[3]]
          /\ votes' = [votes EXCEPT ![a] = @ \cup {<<m[3], m[4]>>}]
     ELSE UNCHANGED <<promised, votes>>
  /\ network' = Rest(m)
  /\ UNCHANGED <<ballot, promises, asked>>

Take(m) ==
  CASE m[1] = "prepare" -> TakePrepare(m)
    [] m[1] = "promise" -> TakePromise(m)
    [] m[1] = "accept"  -> TakeAccept(m)

Next ==
  \/ \E p \in Proposers : Begin(p) \/ Ask(p)
  \/ \E m \in network : Take(m)

Spec == Init /\ [][Next]_vars

Chosen(vote) == 2 * Cardinality({a \in Acceptors : vote \in votes[a]}) > A

Agreement ==
  LET chosen == {x \in UNION {votes[a] : a \in Acceptors} : Chosen(x)} IN
  \A x, y \in chosen : x[2] = y[2]
=============================================================================

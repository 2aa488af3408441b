-------------------------------- MODULE Mutex --------------------------------
(* Mutual exclusion by time stamps, after L. Lamport, "Time, Clocks, and the  *)
(* Ordering of Events in a Distributed System", CACM 21(7), 1978, section     *)
(* "Ordering the Events Totally", rules 1 to 5. Channels keep order. Clocks   *)
(* tick at requests, as their order is all that matters. mutex.da is the same *)
(* as a program.                                                              *)
EXTENDS Naturals, Sequences

CONSTANTS N,                \* how many processes
          R                 \* how often each enters its critical section

VARIABLES at,               \* where each process is
          left,             \* how often it is still to enter
          clock,            \* of each process
          queue,            \* its request queue: time stamps with processes
          acks,             \* those who have acknowledged its request
          channel           \* the messages on the way from one to another

vars == <<at, left, clock, queue, acks, channel>>

P == 1..N

Max(m, n) == IF m > n THEN m ELSE n

Before(x, y) == x[1] < y[1] \/ (x[1] = y[1] /\ x[2] < y[2])

Init ==
  /\ at = [p \in P |-> "outside"]
  /\ left = [p \in P |-> R]
  /\ clock = [p \in P |-> 0]
  /\ queue = [p \in P |-> {}]
  /\ acks = [p \in P |-> {}]
  /\ channel = [p \in P |-> [q \in P |-> <<>>]]

ToOthers(p, m) ==
  channel' = [channel EXCEPT ![p] =
               [q \in P |-> IF q = p THEN @[q] ELSE Append(@[q], m)]]

\* Rule 1
Request(p) ==
  /\ at[p] = "outside"
  /\ left[p] > 0
  /\ at' = [at EXCEPT ![p] = "waiting"]
  /\ left' = [left EXCEPT ![p] = @ - 1]
  /\ clock' = [clock EXCEPT ![p] = @ + 1]
  /\ queue' = [queue EXCEPT ![p] = @ \cup {<<clock[p] + 1, p>>}]
  /\ acks' = [acks EXCEPT ![p] = {}]
  /\ ToOthers(p, <<"request", clock[p] + 1>>)

\* Rule 5
Enter(p) ==
  /\ at[p] = "waiting"
  /\ acks[p] = P \ {p}
  /\ \E own \in queue[p] :
       /\ own[2] = p
       /\ \A x \in queue[p] : x = own \/ Before(own, x)
  /\ at' = [at EXCEPT ![p] = "inside"]
  /\ UNCHANGED <<left, clock, queue, acks, channel>>

\* Rule 3
Release(p) ==
  /\ at[p] = "inside"
  /\ at' = [at EXCEPT ![p] = "outside"]
  /\ queue' = [queue EXCEPT ![p] = {x \in @ : x[2] # p}]
  /\ ToOthers(p, <<"release">>)
  /\ UNCHANGED <<left, clock, acks>>

\* Rules 2 and 4: q takes the first message from p.
Take(p, q) ==
  /\ channel[p][q] # <<>>
  /\ LET m == Head(channel[p][q])
         rest == [channel EXCEPT ![p][q] = Tail(@)]
     IN CASE m[1] = "request" ->
               /\ clock' = [clock EXCEPT ![q] = Max(@, m[2])]
               /\ queue' = [queue EXCEPT ![q] = @ \cup {<<m[2], p>>}]
               /\ channel' = [rest EXCEPT ![q][p] = Append(@, <<"ack">>)]
               /\ UNCHANGED acks
          [] m[1] = "ack" ->
               /\ acks' = [acks EXCEPT ![q] = @ \cup {p}]
               /\ channel' = rest
               /\ UNCHANGED <<clock, queue>>
          [] m[1] = "release" ->
               /\ queue' = [queue EXCEPT ![q] = {x \in @ : x[2] # p}]
               /\ channel' = rest
               /\ UNCHANGED <<clock, acks>>
  /\ UNCHANGED <<at, left>>

Next ==
  \/ \E p \in P : Request(p) \/ Enter(p) \/ Release(p)
  \/ \E p, q \in P : Take(p, q)

Spec == Init /\ [][Next]_vars

Alone == \A p, q \in P : at[p] = "inside" /\ at[q] = "inside" => p = q
=============================================================================

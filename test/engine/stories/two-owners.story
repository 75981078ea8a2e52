worker w1 1
----

open first
----

open second
----

submit first k
----
start k on w1 (attempt 1, its 1.)

claim second k
----

wait 1 first k
----

cancel first k wait=2
----
wait 1 is over
wait 2 is over

phase k
----
running

cancel second k wait=3
----
stop k (attempt 1)

phase k
----
stopping

interrupt k
----
forget k
wait 3 is over

close first wait=4
----
wait 4 is over

close second wait=5
----
wait 5 is over

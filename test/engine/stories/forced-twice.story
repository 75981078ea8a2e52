worker w1 2
----

open main
----

submit main a other
----
start a on w1 (attempt 1, its 1.)
start other on w1 (attempt 2, its 1.)

cancel main a force wait=1
----
stop a (attempt 1)

cancel main a force wait=2 inside=other
----

interrupt a
----
wait 1 is over
wait 2 is over

outcome a
----
Cancelled a

succeed other
----

close main wait=3
----
forget a
forget other and its result
wait 3 is over

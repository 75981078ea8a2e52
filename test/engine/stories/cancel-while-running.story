worker w1 1
----

open main
----

submit main a after:a other wants=a,after,other
----
start a on w1 (attempt 1, its 1.)

cancel main a wait=1
----
forget after
stop a (attempt 1)

phase a
----
stopping

phase other
----
ready

succeed a
----
discard what a brought
forget a
wait 1 is over
start other on w1 (attempt 2, its 1.)

succeed other
----

close main wait=2
----
forget other and its result
wait 2 is over

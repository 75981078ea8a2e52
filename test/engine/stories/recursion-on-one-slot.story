# fib3 -- submits --> fib2 -- submits --> fib1, each waits for the next
worker w1 1
----

open main
----

submit main fib3
----
start fib3 on w1 (attempt 1, its 1.)

open inner3
----

submit inner3 fib2 other inside=fib3 wait=1
----
start fib2 on w1 (attempt 2, its 1.)

open inner2
----

submit inner2 fib1 inside=fib2 wait=2
----
start fib1 on w1 (attempt 3, its 1.)

succeed fib1
----
wait 2 is over

close inner2 inside=fib2 wait=3
----
forget fib1 and its result
wait 3 is over

succeed fib2
----
start other on w1 (attempt 4, its 1.)

succeed other
----
wait 1 is over

close inner3 inside=fib3 wait=4
----
forget fib2 and its result
forget other and its result
wait 4 is over

succeed fib3
----

close main wait=5
----
forget fib3 and its result
wait 5 is over

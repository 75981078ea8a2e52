# a -> b -> c
worker w1 1
----

open main
----

submit main a b:a c:b wait=1
----
start a on w1 (attempt 1, its 1.)

succeed a
----
start b with a on w1 (attempt 2, its 1.)

succeed b
----
forget a and its result
start c with b on w1 (attempt 3, its 1.)

succeed c
----
wait 1 is over
forget b and its result

close main wait=2
----
forget c and its result
wait 2 is over

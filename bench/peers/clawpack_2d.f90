! A case in two dimensions with Clawpack's classic solver, unsplit with transverse waves; linked with its sources
! and the case's Riemann solver by clawpack_setup.sh.
! usage: clawpack-CASE CASE CELLS VELOCITY [FILE]
! prints: steps, attempted steps, seconds, CPU seconds, least and largest step
! VELOCITY, of advection2d: cell (the stream function at every corner in every step) or scaled (once, times g(t)).
! FILE receives the last state: doubles; component fastest, then x, then y.
module swirl
  implicit none
  integer, parameter :: dp = kind(1d0)
  real(dp), parameter :: pi = acos(-1d0)
  logical :: moving = .false., each_cell = .true.
  integer :: attempts = 0
  real(dp), allocatable :: still(:, :, :) ! the velocity where g = 1
contains
  pure real(dp) function stream(x, y)
    real(dp), intent(in) :: x, y
    stream = sin(pi * x)**2 * sin(pi * y)**2 / pi
  end function

  ! Velocity times g on the left and lower edges of all cells, without divergence.
  subroutine set_velocity(velocity, ghosts, cells, dx, g)
    integer, intent(in) :: ghosts, cells
    real(dp), intent(in) :: dx, g
    real(dp), intent(out) :: velocity(2, 1 - ghosts:cells + ghosts, 1 - ghosts:cells + ghosts)
    integer :: i, j
    real(dp) :: x, y, corner
    do j = 1 - ghosts, cells + ghosts
      y = (j - 1) * dx
      do i = 1 - ghosts, cells + ghosts
        x = (i - 1) * dx
        corner = stream(x, y)
        velocity(1, i, j) = -g * (stream(x, y + dx) - corner) / dx
        velocity(2, i, j) = g * (stream(x + dx, y) - corner) / dx
      end do
    end do
  end subroutine
end module

program clawpack_2d
  use swirl
  implicit none
  integer, parameter :: ghosts = 2
  integer :: cells, equations, waves, fields, limiter, i, j, info, work_size
  integer :: steps(2), method(7), limiters(3), boundary(4)
  integer(8) :: start, finish, rate
  real(dp) :: left, dx, x, y, end_time, first, largest, step(5), cfl(4), cpu_start, cpu_finish
  real(dp), allocatable :: q(:, :, :), aux(:, :, :), work(:)
  real(dp) :: density, bulk, sound, impedance
  character(len=4096) :: name, argument
  external :: claw2, bc2, rpn2, rpt2, src2, b4step2
  common /cparam/ density, bulk, sound, impedance

  call get_command_argument(1, name)
  call get_command_argument(2, argument)
  read (argument, *) cells
  call get_command_argument(3, argument)
  each_cell = argument == 'cell'
  dx = 1.0_dp / cells
  left = 0
  equations = 1
  waves = 1
  fields = 0
  largest = 1d99
  boundary = 2 ! periodic
  limiter = 3  ! van Leer
  select case (name)
  case ('acoustics2d')
    density = 1
    bulk = 4
    sound = sqrt(bulk / density)
    impedance = sound * density
    left = -1
    dx = 2.0_dp / cells
    equations = 3
    waves = 2
    end_time = 0.75_dp
    first = 0.9_dp * dx / sound
  case ('burgers2d')
    end_time = 2.5_dp
    first = 0.9_dp * dx
  case ('advection2d')
    moving = .true.
    fields = 2
    limiter = 4               ! monotonized central
    boundary = [2, 2, 1, 1]   ! periodic in x, extrapolation in y
    end_time = 4
    first = 0.64_dp * dx
    largest = first
  case default
    error stop 'no such case'
  end select

  allocate (q(equations, 1 - ghosts:cells + ghosts, 1 - ghosts:cells + ghosts))
  allocate (aux(max(fields, 1), 1 - ghosts:cells + ghosts, 1 - ghosts:cells + ghosts))
  q = 0
  aux = 0
  do j = 1, cells
    do i = 1, cells
      x = left + (i - 0.5_dp) * dx
      y = left + (j - 0.5_dp) * dx
      select case (name)
      case ('acoustics2d')
        if (abs(hypot(x, y) - 0.5_dp) <= 0.2_dp) q(1, i, j) = 1 + cos(pi * (hypot(x, y) - 0.5_dp) / 0.2_dp)
      case ('burgers2d')
        q(1, i, j) = merge(1.0_dp, 0.1_dp, min(x, y) > 0.1_dp .and. max(x, y) < 0.6_dp)
      case ('advection2d')
        q(1, i, j) = merge(1.0_dp, 0.0_dp, y < 0.5_dp)
      end select
    end do
  end do
  if (moving) then
    call set_velocity(aux, ghosts, cells, dx, 1.0_dp)
    still = aux
  end if

  work_size = (cells + 2 * ghosts) * (10 * equations + waves + equations * waves + 3 * fields + 2) + size(q)
  allocate (work(work_size))
  method = [1, 2, 2, 0, 0, 0, fields] ! variable steps, second order, transverse waves of both orders
  limiters = limiter
  steps = [huge(0), 0]
  cfl = [1.0_dp, 0.9_dp, 0.0_dp, 0.0_dp]
  step = [first, largest, 0.0_dp, 0.0_dp, 0.0_dp]

  call cpu_time(cpu_start)
  call system_clock(start, rate)
  call claw2(equations, waves, fields, ghosts, cells, cells, q, aux, left, left, dx, dx, 0.0_dp, end_time, step, cfl, &
             steps, method, limiters, boundary, work, work_size, .false., info, bc2, rpn2, rpt2, src2, b4step2)
  call system_clock(finish)
  call cpu_time(cpu_finish)
  if (info /= 0) error stop 'claw2 failed'
  print *, steps(2), attempts, real(finish - start, dp) / rate, cpu_finish - cpu_start, step(3:4)
  if (command_argument_count() > 3) then
    call get_command_argument(4, argument)
    open (10, file=trim(argument), access='stream', form='unformatted', status='replace')
    write (10) q(:, 1:cells, 1:cells)
  end if
end program

! Called before every attempted step: the swirl's velocity in its middle.
subroutine b4step2(ghosts, cells, rows, equations, q, left, lower, dx, dy, t, dt, fields, aux)
  use swirl
  implicit none
  integer :: ghosts, cells, rows, equations, fields
  real(dp) :: q(*), left, lower, dx, dy, t, dt, g
  real(dp) :: aux(fields, 1 - ghosts:cells + ghosts, 1 - ghosts:rows + ghosts)
  attempts = attempts + 1
  if (.not. moving) return
  g = cos(2 * pi * (t + dt / 2) / 4)
  if (each_cell) then
    call set_velocity(aux, ghosts, cells, dx, g)
  else
    aux = g * still
  end if
end subroutine
